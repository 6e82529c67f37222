"""The MLP whose features are followed, its layers, and what they cost."""
