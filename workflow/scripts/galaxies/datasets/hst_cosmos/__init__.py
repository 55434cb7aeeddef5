"""Stamps of the Hubble Space Telescope around COSMOS galaxies, in the format of GalSim's RealGalaxyCatalog."""
