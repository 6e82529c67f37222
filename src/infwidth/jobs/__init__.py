"""What runs the library as a workflow: scripts, digests of code, devices, locks, provenance."""
