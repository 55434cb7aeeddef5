"""What the data card says of the published data."""

TITLE = "HST stamps of COSMOS galaxies"
PAGE = "https://zenodo.org/records/3242143"
LICENCE = "terms of the Zenodo record"
CITATION = "Mandelbaum et al. 2012, MNRAS 420, 1518"
