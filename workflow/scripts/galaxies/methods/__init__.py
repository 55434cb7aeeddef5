"""Training methods: what one step of each kind of training does; see `galaxies.training`."""
