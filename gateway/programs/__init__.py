"""The door to other programs of the machine: started here and nowhere else, bounded in time and number."""
