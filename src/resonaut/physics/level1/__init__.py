"""Objects of CMS's Level-1 trigger in hardware integers: scales, files, and menus of seeds."""
