"""Measurements that set models side by side: cost, memory over distance, translation. For the page and a command."""
