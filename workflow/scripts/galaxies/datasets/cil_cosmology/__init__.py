"""Cosmology images of the ETH course "Computational Intelligence Lab": fields of small sources, labels and scores."""
