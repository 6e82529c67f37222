"""Images with labels: where they come from and how they become the network's inputs."""
