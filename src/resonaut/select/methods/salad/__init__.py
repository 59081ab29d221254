"""SALAD: data against simulation that was corrected in the sidebands."""
