"""What the data card says of the published data."""

TITLE = "CIL cosmology images"
PAGE = "https://www.kaggle.com/c/cil-cosmology-2018"
LICENCE = "none published; do not pass the images on"
CITATION = "ETH Zurich, Computational Intelligence Lab, 2018"
