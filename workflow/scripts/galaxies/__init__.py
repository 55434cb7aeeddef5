"""Library of the galaxy-image reproducibility pipeline; imports go downward only."""
