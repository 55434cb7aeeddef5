"""Cut-outs of the Hyper Suprime-Cam in three bands, with redshifts and stellar masses from COSMOS."""
