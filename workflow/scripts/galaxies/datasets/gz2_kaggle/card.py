"""What the data card says of the published data."""

TITLE = "Galaxy Zoo 2, Kaggle Galaxy Challenge"
PAGE = "https://www.kaggle.com/c/galaxy-zoo-the-galaxy-challenge"
LICENCE = "rules of the competition; do not pass the images on (underlying images: SDSS DR7)"
CITATION = "Willett et al. 2013, MNRAS 435, 2835"
