"""One file a family of rows; each has ROWS: name -> function(lab, table)."""
