"""The stage ``report``: figures and tables from what all other stages wrote."""
