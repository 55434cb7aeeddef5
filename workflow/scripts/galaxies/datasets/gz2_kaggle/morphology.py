"""Drawn galaxies of the Galaxy Zoo 2 simulator: what is in the frame, before pixels and votes.

The numbers are chosen so that the rendered images and the votes resemble the Galaxy Zoo 2 sample (SDSS galaxies
brighter than r = 17); they are no measurement of the galaxy population.
"""

from dataclasses import dataclass, replace

import numpy as np

KINDS = {
    "smooth": 0.36,
    "disk": 0.48,
    "edge_on": 0.08,
    "irregular": 0.03,
    "merger": 0.03,
    "lens": 0.004,
    "star": 0.006,
    "artifact": 0.01,
}
"""Kind of object in the centre of the frame -> share of the sample."""

ARM_COUNTS = {1: 0.06, 2: 0.55, 3: 0.16, 4: 0.09, 5: 0.05, 6: 0.05, 7: 0.04}
"""Number of spiral arms -> share of the galaxies with arms; more than four count as one answer of the tree."""

PITCH_ANGLES = {"tight": (8.0, 13.0), "medium": (14.0, 21.0), "loose": (24.0, 36.0)}
"""Winding of the arms -> range of the pitch angle in degrees."""


@dataclass(frozen=True)
class Galaxy:
    """Everything that the picture of one galaxy and its votes depend on.

    Lengths are in units of `r90`, the radius that holds 90 % of the light; the frame is scaled with it. Strengths are
    in [0, 1], where 0 means that the feature is absent.
    """

    kind: str
    magnitude: float  # SDSS r, of the whole galaxy
    r90: float  # arcsec
    seeing: float  # full width at half maximum of the point spread function, arcsec
    axis_ratio: float  # minor / major axis of the isophotes (smooth) or of the inclined disk
    position_angle: float  # rad, from the x axis
    sersic_index: float  # of the smooth light: the whole galaxy, or the bulge of a disk
    bulge_fraction: float  # of the r-band light; 1 for a smooth galaxy
    color: tuple[float, float]  # (g - r, r - i) of the old stars, mag
    disk_color: tuple[float, float]  # (g - r, r - i) of the disk
    bar: float = 0.0
    bar_length: float = 0.0  # half length
    bar_angle: float = 0.0  # rad, in the plane of the disk
    arms: int = 0
    winding: str = "medium"
    pitch: float = 20.0  # degrees
    arm_strength: float = 0.0
    flocculence: float = 0.0
    ring: float = 0.0
    ring_radius: float = 0.0
    dust: float = 0.0
    edge_on_bulge: str = "none"  # "rounded", "boxy" or "none"
    disturbance: float = 0.0
    clumpiness: float = 0.0
    companion: float = 0.0  # light of the merging companion / light of the galaxy
    companion_distance: float = 0.0
    arc: float = 0.0

    @property
    def resolution(self) -> float:
        """Widths of the point spread function in `r90`."""
        return self.r90 / self.seeing

    @property
    def visibility(self) -> float:
        """Contrast in (0, 1) that blurring and noise leave to a feature of the disk."""
        faintness = 10 ** (0.4 * (self.magnitude - 17.2)) * (self.r90 / 8) ** 2 / 1.5
        return 1 / ((1 + (2.7 / self.resolution) ** 2.5) * (1 + 0.15 * faintness))


def draw_galaxy(rng: np.random.Generator) -> Galaxy:
    """Draw one galaxy of the mix `KINDS`."""
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    # Euclidean number counts, N(<m) proportional to 10^(0.6 m), up to the limit of Galaxy Zoo 2.
    magnitude = max(17.0 + float(np.log10(rng.random())) / 0.6, 12.5)
    spheroidal = kind in ("smooth", "lens")
    r90 = 10 ** (rng.normal(0.69 if spheroidal else 0.78, 0.12) - 0.17 * (magnitude - 16.5))
    red = float(np.clip(rng.normal(0.8, 0.09), 0.55, 1.05))
    blue = float(np.clip(rng.normal(0.43, 0.17), 0.05, 0.85))
    galaxy = Galaxy(
        kind=kind,
        magnitude=magnitude,
        r90=float(np.clip(r90, 3.5, 40.0)),
        seeing=float(np.clip(rng.normal(1.3, 0.15), 1.0, 1.9)),
        axis_ratio=1.0,
        position_angle=float(rng.uniform(0, np.pi)),
        sersic_index=4.0,
        bulge_fraction=1.0,
        color=(red, _r_minus_i(red, rng)),
        disk_color=(blue, _r_minus_i(blue, rng)),
    )
    return _SPECIFIC[kind](galaxy, rng)


def _r_minus_i(g_minus_r: float, rng: np.random.Generator) -> float:
    """r - i colour on the locus of galaxies at low redshift, mag."""
    return float(0.01 + 0.41 * g_minus_r + rng.normal(0, 0.03))


def _smooth(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    cigar = rng.random() < 0.055
    axis_ratio = rng.uniform(0.2, 0.4) if cigar else 1 - 0.62 * rng.beta(1.0, 1.55)
    blue = rng.random() < 0.36
    return replace(
        galaxy,
        axis_ratio=float(axis_ratio),
        sersic_index=float(rng.choice([0.6, 0.8, 1.0, 1.5] if blue or cigar else [1.0, 1.5, 2.0, 2.5, 4.0])),
        color=galaxy.disk_color if blue else galaxy.color,
    )


def _disk(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    cos_inclination = rng.uniform(0.28, 1.0)
    has_arms = rng.random() < 0.74
    winding = str(rng.choice(list(PITCH_ANGLES), p=[0.36, 0.40, 0.24]))
    barred = rng.random() < 0.3
    bar_length = rng.uniform(0.25, 0.5) if barred else 0.0
    ringed = rng.random() < 0.1
    arms = int(rng.choice(list(ARM_COUNTS), p=list(ARM_COUNTS.values())))
    return replace(
        galaxy,
        axis_ratio=float(np.sqrt(cos_inclination**2 + 0.15**2 * (1 - cos_inclination**2))),
        sersic_index=float(rng.choice([1.0, 1.5, 2.0, 4.0])),
        bulge_fraction=float(rng.beta(0.9, 5.0)) if has_arms else float(rng.beta(1.5, 3.2)),
        bar=float(rng.uniform(0.35, 1.0)) if barred else 0.0,
        bar_length=float(bar_length),
        bar_angle=float(rng.uniform(0, np.pi)),
        arms=arms if has_arms else 0,
        winding=winding,
        pitch=float(rng.uniform(*PITCH_ANGLES[winding])),
        arm_strength=float(rng.beta(2.6, 1.2)) if has_arms else 0.0,
        flocculence=float(rng.beta(1.2, 3.0)) if arms < 5 else float(rng.uniform(0.4, 1.0)),
        ring=float(rng.uniform(0.4, 1.0)) if ringed else 0.0,
        ring_radius=float(max(bar_length, rng.uniform(0.35, 0.8))) if ringed else 0.0,
        clumpiness=float(rng.beta(1.0, 3.0)),
        disturbance=float(rng.beta(0.8, 9.0)),
    )


def _edge_on(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    bulge = str(rng.choice(["rounded", "boxy", "none"], p=[0.62, 0.06, 0.32]))
    reddening = float(rng.uniform(0.05, 0.25))
    g_minus_r, r_minus_i = galaxy.disk_color
    return replace(
        galaxy,
        axis_ratio=float(rng.uniform(0.1, 0.2)),
        sersic_index=1.0 if bulge == "boxy" else 2.0,
        bulge_fraction=0.0 if bulge == "none" else float(rng.uniform(0.12, 0.5)),
        disk_color=(g_minus_r + reddening, r_minus_i + 0.5 * reddening),
        edge_on_bulge=bulge,
        dust=float(rng.uniform(0.5, 1.0)) if rng.random() < 0.22 else 0.0,
        disturbance=float(rng.beta(0.8, 9.0)),
    )


def _irregular(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    blue = float(rng.uniform(0.15, 0.45))
    return replace(
        galaxy,
        axis_ratio=float(rng.uniform(0.35, 0.95)),
        sersic_index=1.0,
        bulge_fraction=float(rng.uniform(0, 0.08)),
        disk_color=(blue, 0.4 * blue),
        flocculence=1.0,
        clumpiness=float(rng.uniform(0.6, 1.0)),
        disturbance=float(rng.uniform(0.4, 1.0)),
    )


def _merger(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    parent = _disk(galaxy, rng) if rng.random() < 0.6 else _smooth(galaxy, rng)
    return replace(
        parent,
        companion=float(rng.uniform(0.25, 0.9)),
        companion_distance=float(rng.uniform(0.5, 1.3)),
        disturbance=float(rng.uniform(0.3, 1.0)),
    )


def _lens(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    return replace(_smooth(galaxy, rng), arc=float(rng.uniform(0.4, 1.0)))


def _star(galaxy: Galaxy, rng: np.random.Generator) -> Galaxy:
    """A bright star in the place of the galaxy; `r90` scales the frame alone."""
    return replace(galaxy, magnitude=float(rng.uniform(10.5, 15.0)))


_SPECIFIC = {
    "smooth": _smooth,
    "disk": _disk,
    "edge_on": _edge_on,
    "irregular": _irregular,
    "merger": _merger,
    "lens": _lens,
    "star": _star,
    "artifact": _smooth,  # under a satellite trail or ghost that is added to the picture
}
