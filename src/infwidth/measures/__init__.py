"""What is measured of features, how it scales with the width, and what is concluded."""
