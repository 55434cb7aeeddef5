"""What the data card says of the published data."""

TITLE = "HSC cut-outs with COSMOS labels"
PAGE = "https://github.com/egentry/galaxyCGAN"
LICENCE = "code under Apache-2.0; the HSC and COSMOS data keep their own terms"
CITATION = "Gentry and You 2018; Aihara et al. 2018; Laigle et al. 2016"
