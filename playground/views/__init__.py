"""What a page is made of. One file a part; each draws from a trace and says so where it can't."""
