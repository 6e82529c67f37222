"""What a reader sees: the figures, the tables and the report, drawn from the CSV files alone."""
