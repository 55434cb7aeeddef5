"""Pictures of the Galaxy Zoo 2 simulator, made as the SDSS made its own.

The sky is drawn in the g, r and i bands on the camera's pixels, blurred, given noise, composed to RGB with an asinh
stretch (Lupton et al. 2004) and stored as JPEG; then, as for Galaxy Zoo 2, the picture is resampled so that its side is
424 pixels of 0.02 r90 each. Small galaxies therefore show coarse, correlated noise and a wide point spread function.

Spheroids, disks without structure and the point spread function are GalSim profiles. They are evaluated in Fourier
space, where sums, shifts and the blurring of all light of a band cost one inverse transform. Arms, bars and other
structure are maps on the pixels that join the same transform.
"""

import io

import galsim
import numpy as np
from PIL import Image
from scipy import fft

from galaxies.datasets.gz2_kaggle.morphology import Galaxy

SIDE = 424
"""Side of a picture, pixels."""
R90_IN_FRAME = 50.0
"""Radius of 90 % of the light in a picture, pixels."""
CAMERA_PIXEL = 0.396
"""Pixel scale of the SDSS camera, arcsec."""
JPEG_QUALITY = 75
"""Quality of the published JPEG files."""

_BANDS = 3  # g, r, i
_ZERO_POINT = 22.5  # fluxes in nanomaggies
_SKY_NOISE = np.array([0.018, 0.024, 0.036], dtype=np.float32)  # standard deviation per camera pixel, nanomaggies
_GAIN = np.array([420.0, 300.0, 220.0], dtype=np.float32)  # photo-electrons per nanomaggie
_DISPLAY_WEIGHT = np.array([8.1, 5.7, 5.3], dtype=np.float32)  # of g, r, i in blue, green, red
_STRETCH = 0.24  # slope of the asinh stretch at zero
_SOFTENING = 4.8  # the larger, the earlier the stretch turns logarithmic
_BLACK_POINT = np.array([0.0, -0.01, 0.005], dtype=np.float32)  # weighted r, g, b flux that is shown black
_MARGIN = 1.22  # side of the Fourier grid / side of the picture: light that leaves one edge must not enter the other


def render(galaxy: Galaxy, rng: np.random.Generator) -> np.ndarray:
    """Picture of a galaxy and of what lies around it, uint8 (424, 424, 3)."""
    side = int(np.clip(round(SIDE * galaxy.r90 / R90_IN_FRAME / CAMERA_PIXEL), 84, SIDE))
    sky = _Sky(side, galaxy, rng)
    if galaxy.kind == "star":
        sky.add_star(sky.center, galaxy.magnitude, (0.45, 0.15))
    else:
        _add_galaxy(sky, galaxy, rng)
    _add_field(sky, rng)
    bands = sky.expose(rng)
    _add_artifacts(bands, galaxy, rng)
    picture = Image.fromarray(compose(bands))
    # The pictures were cut from JPEG mosaics, whose blocks show in the enlarged sky.
    picture = Image.open(io.BytesIO(encode_jpeg(picture, quality=88)))
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def encode_jpeg(picture: Image.Image, quality: int = JPEG_QUALITY, comment: bytes = b"") -> bytes:
    """JPEG file of a picture, with halved colour resolution."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, subsampling="4:2:0", comment=comment)
    return buffer.getvalue()


def compose(bands: np.ndarray) -> np.ndarray:
    """RGB picture uint8 (side, side, 3) of g, r, i fluxes (3, side, side) in nanomaggies per pixel.

    The mean of the weighted bands is stretched with asinh and the ratios of the bands are kept; pixels that saturate in
    one colour keep theirs too (Lupton et al. 2004, section 2).
    """
    rgb = bands[::-1] * _DISPLAY_WEIGHT[::-1, None, None] - _BLACK_POINT[:, None, None]
    intensity = np.maximum(rgb.mean(axis=0), 1e-6)
    stretched = np.arcsinh(_STRETCH * _SOFTENING * intensity) / _SOFTENING
    rgb *= stretched / intensity
    rgb /= np.maximum(rgb.max(axis=0), 1.0)
    return (255 * np.clip(rgb, 0, 1) + 0.5).astype(np.uint8).transpose(1, 2, 0)


class _Sky:
    """Light of a square of sky in three bands, before and after the telescope.

    Positions are (x, y) in camera pixels from the first pixel.
    """

    def __init__(self, side: int, galaxy: Galaxy, rng: np.random.Generator):
        self.side = side
        self.center = np.array([side / 2 - 0.5, side / 2 - 0.5]) + rng.uniform(-0.5, 0.5, 2)
        # A frame that would have fewer or more pixels than allowed keeps its look: lengths scale with it.
        self.r90 = side * R90_IN_FRAME / SIDE
        self.seeing = self.r90 / galaxy.resolution
        self.maps = np.zeros((_BANDS, side, side), dtype=np.float32)
        self.grid = fft.next_fast_len(int(side * _MARGIN) + 1, real=True)
        self.grid += self.grid % 2
        half = self.grid // 2
        self._bounds = galsim.BoundsI(0, half, -half, half - 1)
        self._step = 2 * np.pi / self.grid
        self._kx = (self._step * np.arange(half + 1)).astype(np.float32)
        self._ky = (self._step * np.arange(-half, half)).astype(np.float32)
        self._fourier = np.zeros((_BANDS, self.grid, half + 1), dtype=np.complex64)
        self._points: list[tuple[np.ndarray, np.ndarray]] = []

    def add_profile(self, profile: galsim.GSObject, position: np.ndarray, flux: np.ndarray) -> None:
        """Add a GalSim profile (lengths in camera pixels, unit flux) with `flux` (3,) nanomaggies in the bands."""
        self._fourier += flux[:, None, None] * (self._transform(profile) * self._shift(position))

    def add_map(self, light: np.ndarray, flux: np.ndarray) -> None:
        """Add the map `light` (side, side) >= 0, scaled to `flux` (3,) nanomaggies in the bands."""
        self.maps += flux[:, None, None] * (light / max(float(light.sum()), 1e-9))

    def add_star(self, position: np.ndarray, magnitude: float, color: tuple[float, float]) -> None:
        """Add a point source of r-band `magnitude` and (g - r, r - i) `color`."""
        self._points.append((np.asarray(position), fluxes(magnitude, color)))

    def expose(self, rng: np.random.Generator) -> np.ndarray:
        """Fluxes (3, side, side) in nanomaggies per pixel, blurred and with the noise of sky and photons."""
        for position, flux in self._points:
            self._fourier += flux[:, None, None] * self._shift(position)
        padded = fft.rfft2(self.maps, s=(self.grid, self.grid))
        self._fourier += fft.fftshift(padded, axes=1)
        pixel = galsim.Pixel(1.0)
        for band, wavelength_factor in enumerate((1.05, 1.0, 0.96)):
            # The three bands are exposed in turn, and their registration errs by a fraction of a pixel.
            blur = galsim.Convolve(galsim.Kolmogorov(fwhm=self.seeing * wavelength_factor), pixel)
            self._fourier[band] *= self._transform(blur) * self._shift(rng.normal(0, 0.12, 2))
        bands = fft.irfft2(fft.ifftshift(self._fourier, axes=1), s=(self.grid, self.grid))
        bands = bands[:, : self.side, : self.side].astype(np.float32)
        # Sky brightness and its subtraction differ from frame to frame.
        bands += (0.17 * _SKY_NOISE * rng.standard_normal(_BANDS, dtype=np.float32))[:, None, None]
        sky_noise = _SKY_NOISE * np.float32(rng.lognormal(0.05, 0.15))
        variance = sky_noise[:, None, None] ** 2 + np.maximum(bands, 0) / _GAIN[:, None, None]
        image = galsim.ImageF(np.ascontiguousarray(bands.reshape(-1, self.side)))
        deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        image.addNoise(galsim.VariableGaussianNoise(deviate, galsim.ImageF(variance.reshape(-1, self.side))))
        return image.array.reshape(bands.shape)

    def _transform(self, profile: galsim.GSObject) -> np.ndarray:
        image = galsim.ImageCF(self._bounds, scale=self._step)
        return profile.drawKImage(image=image, recenter=False).array

    def _shift(self, position: np.ndarray) -> np.ndarray:
        phase_y = np.exp(-1j * position[1] * self._ky).astype(np.complex64)
        phase_x = np.exp(-1j * position[0] * self._kx).astype(np.complex64)
        return phase_y[:, None] * phase_x[None, :]


def fluxes(magnitude: float, color: tuple[float, float]) -> np.ndarray:
    """Fluxes (3,) in g, r, i, nanomaggies, of an r-band magnitude and (g - r, r - i)."""
    magnitudes = np.array([magnitude + color[0], magnitude, magnitude - color[1]])
    return (10 ** (0.4 * (_ZERO_POINT - magnitudes))).astype(np.float32)


def _add_galaxy(sky: _Sky, galaxy: Galaxy, rng: np.random.Generator) -> None:
    total = fluxes(galaxy.magnitude, galaxy.disk_color)
    old = fluxes(galaxy.magnitude, galaxy.color)
    bulge = galaxy.bulge_fraction
    if galaxy.kind in ("disk", "irregular") or (galaxy.kind == "merger" and bulge < 1):
        plane = _Plane(sky, galaxy)
        structure = _disk_light(plane, galaxy, rng)
        for light, share, color in structure:
            sky.add_map(light, (1 - bulge) * share * (total if color is None else fluxes(galaxy.magnitude, color)))
        _add_spheroid(
            sky, sky.center, galaxy, 0.1 + 0.25 * np.sqrt(bulge), 1 - 0.6 * (1 - galaxy.axis_ratio), bulge * old
        )
    elif galaxy.kind == "edge_on":
        _add_edge_on(sky, galaxy, total, old, rng)
    else:
        # 90 % of the Petrosian light lies within 2.35 half-light radii, hardly depending on the Sersic index.
        size = 1 / 1.75 / np.sqrt(np.sqrt((1 + galaxy.axis_ratio**2) / 2))
        _add_spheroid(sky, sky.center, galaxy, size, galaxy.axis_ratio, old)
    if galaxy.companion:
        _add_companion(sky, galaxy, rng)
    if galaxy.arc:
        _add_arc(sky, galaxy, rng)


def _add_spheroid(
    sky: _Sky, position: np.ndarray, galaxy: Galaxy, size: float, axis_ratio: float, flux: np.ndarray
) -> None:
    """Sersic profile with half-light radius `size` (in r90, along the geometric mean axis)."""
    profile = galsim.Sersic(galaxy.sersic_index, half_light_radius=size * sky.r90)
    profile = profile.shear(q=float(axis_ratio), beta=galaxy.position_angle * galsim.radians)
    sky.add_profile(profile, position, flux)


class _Plane:
    """Polar coordinates in the plane of an inclined disk: radius in r90 and azimuth, (side, side) each."""

    def __init__(self, sky: _Sky, galaxy: Galaxy, axis_ratio: float | None = None):
        axis_ratio = galaxy.axis_ratio if axis_ratio is None else axis_ratio
        index = np.arange(sky.side, dtype=np.float32)
        x = ((index - np.float32(sky.center[0])) / np.float32(sky.r90))[None, :]
        y = ((index - np.float32(sky.center[1])) / np.float32(sky.r90))[:, None]
        cosine, sine = np.float32(np.cos(galaxy.position_angle)), np.float32(np.sin(galaxy.position_angle))
        self.major = x * cosine + y * sine
        self.minor = (y * cosine - x * sine) / np.float32(axis_ratio)
        self.radius = np.hypot(self.major, self.minor)
        self.side = sky.side

    def azimuth(self) -> np.ndarray:
        return np.arctan2(self.minor, self.major)


def _disk_light(
    plane: _Plane, galaxy: Galaxy, rng: np.random.Generator
) -> list[tuple[np.ndarray, float, tuple[float, float] | None]]:
    """Maps of a disk, each with its share of the disk's light and its colour (None for that of the disk)."""
    # An inclined disk has its 90 % radius on a circle, so its major axis is longer.
    stretch = 1 / np.sqrt((1 + galaxy.axis_ratio**2) / 2)
    length = 0.38 * stretch
    radius = plane.radius
    edge = _step((np.float32(rng.uniform(1.0, 1.4) * stretch) - radius) / np.float32(0.1))
    smooth = np.exp(-radius / np.float32(length)) * edge
    azimuth = plane.azimuth()
    if galaxy.disturbance > 0.15:
        direction = rng.uniform(0, 2 * np.pi)
        lopsided = 0.9 * galaxy.disturbance * np.minimum(radius / 0.6, 1)
        smooth *= 1 + np.float32(lopsided) * np.cos(azimuth - np.float32(direction))
    mottle = _mottle(plane.side, rng, cells=plane.side / (SIDE / 9.0))
    parts: list[tuple[np.ndarray, float, tuple[float, float] | None]] = []
    g_minus_r, r_minus_i = galaxy.disk_color
    bluer = rng.uniform(0.02, 0.25)
    young = (g_minus_r - bluer, r_minus_i - 0.5 * bluer)
    shares = {"arms": 0.0, "bar": 0.0, "ring": 0.0, "clumps": 0.0}
    if galaxy.arm_strength:
        shares["arms"] = 0.15 + 0.4 * galaxy.arm_strength
        start = max(galaxy.bar_length, 0.12)
        winding = np.log(np.maximum(radius, 0.02) / start) / np.float32(np.tan(np.radians(galaxy.pitch)))
        winding += np.float32(0.15 + 0.6 * galaxy.flocculence) * _mottle(plane.side, rng, cells=11)
        crest = np.cos(galaxy.arms * (azimuth - winding - np.float32(galaxy.bar_angle)))
        sharpness = np.float32(0.9 + 1.3 * galaxy.arm_strength)
        arms = np.exp(sharpness * (crest - 1)) * np.exp(-radius / np.float32(1.25 * length)) * edge
        arms *= _step((radius - np.float32(start)) / np.float32(0.04))
        arms *= np.exp((0.35 + 0.7 * galaxy.clumpiness) * mottle + 0.45 * _mottle(plane.side, rng, cells=8))
        parts.append((arms, shares["arms"], young))
    if galaxy.bar:
        shares["bar"] = 0.2 * galaxy.bar * (1 - shares["arms"]) ** 0.5
        cosine, sine = np.cos(galaxy.bar_angle), np.sin(galaxy.bar_angle)
        along = np.abs(plane.major * np.float32(cosine) + plane.minor * np.float32(sine)) / galaxy.bar_length
        across = np.abs(plane.minor * np.float32(cosine) - plane.major * np.float32(sine)) / (0.24 * galaxy.bar_length)
        bar = np.exp(-(along**4) - across**2)
        parts.append((bar.astype(np.float32), shares["bar"], galaxy.color))
    if galaxy.ring:
        shares["ring"] = 0.3 * galaxy.ring
        width = 0.09 * (0.6 + galaxy.ring_radius)
        ring = np.exp(-0.5 * ((radius - galaxy.ring_radius) / width) ** 2) * np.exp(0.4 * mottle)
        parts.append((ring.astype(np.float32), shares["ring"], young))
    if galaxy.clumpiness > 0.05:
        shares["clumps"] = (0.5 if galaxy.kind == "irregular" else 0.15) * galaxy.clumpiness
        clumps = np.exp(-radius / np.float32(1.2 * length)) * np.exp(2.2 * mottle)
        parts.append((clumps, shares["clumps"], young))
    total = sum(shares.values())
    scale = min(1.0, 0.85 / total) if total else 1.0
    parts = [(light, share * scale, color) for light, share, color in parts]
    return [(smooth, 1 - total * scale, None), *parts]


def _step(x: np.ndarray) -> np.ndarray:
    """Smooth step from 0 to 1 around 0; tanh does not overflow far from it."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _mottle(side: int, rng: np.random.Generator, cells: float) -> np.ndarray:
    """Smooth random field (side, side), standard deviation about 1, with `cells` correlation lengths across."""
    cells = int(np.clip(cells, 4, side))
    coarse = Image.fromarray(rng.standard_normal((cells, cells), dtype=np.float32))
    return np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC)) * np.float32(1.2)


def _add_edge_on(sky: _Sky, galaxy: Galaxy, total: np.ndarray, old: np.ndarray, rng: np.random.Generator) -> None:
    bulge = galaxy.bulge_fraction
    plane = _Plane(sky, galaxy, axis_ratio=1.0)
    if galaxy.dust or galaxy.edge_on_bulge == "boxy":
        length, height = 0.4, 0.4 * galaxy.axis_ratio
        disk = np.exp(-np.abs(plane.major) / length) / np.cosh(np.minimum(np.abs(plane.minor) / height, 30.0)) ** 2
        x_shape = (np.abs(plane.major) ** 3.5 + np.abs(1.3 * plane.minor) ** 3.5) ** (1 / 3.5)
        light = [(disk, (1 - bulge) * total), (np.exp(-x_shape / 0.11), bulge * old)]
        offset = plane.minor - np.float32(rng.normal(0, 0.15) * height)
        lane = np.exp(-0.5 * (offset / (0.35 * height)) ** 2) * np.exp(-np.abs(plane.major) / 0.9)
        for light_map, flux in light:
            before = light_map.sum()
            for band, depth in enumerate((2.6, 2.0, 1.6)):
                dimmed = light_map * np.exp(-np.float32(depth * galaxy.dust) * lane)
                sky.maps[band] += flux[band] * dimmed / before
        return
    disk = galsim.InclinedExponential(
        inclination=galsim.Angle(np.arccos(0.02), galsim.radians),
        scale_radius=0.36 * sky.r90,
        scale_h_over_r=0.6 * galaxy.axis_ratio,
    )
    sky.add_profile(disk.rotate(galaxy.position_angle * galsim.radians), sky.center, (1 - bulge) * total)
    if bulge:
        _add_spheroid(sky, sky.center, galaxy, 0.12 + 0.2 * bulge, 0.75, bulge * old)


def _add_companion(sky: _Sky, galaxy: Galaxy, rng: np.random.Generator) -> None:
    """A second galaxy that overlaps the first, and tidal tails."""
    direction = rng.uniform(0, 2 * np.pi)
    offset = galaxy.companion_distance * sky.r90 * np.array([np.cos(direction), np.sin(direction)])
    color = galaxy.color if rng.random() < 0.5 else galaxy.disk_color
    profile = galsim.Exponential(half_light_radius=rng.uniform(0.15, 0.35) * sky.r90)
    profile = profile.shear(q=rng.uniform(0.4, 0.95), beta=rng.uniform(0, np.pi) * galsim.radians)
    flux = fluxes(galaxy.magnitude, color)
    sky.add_profile(profile, sky.center + offset, galaxy.companion * flux)
    plane = _Plane(sky, galaxy, axis_ratio=max(galaxy.axis_ratio, 0.5))
    winding = np.log(np.maximum(plane.radius, 0.05)) / np.tan(np.radians(rng.uniform(25, 55)))
    crest = np.cos(plane.azimuth() - winding - direction)
    tail = np.exp(9 * (crest - 1)) * np.exp(-0.5 * ((plane.radius - 0.95) / 0.4) ** 2)
    sky.add_map(tail, 0.2 * galaxy.disturbance * fluxes(galaxy.magnitude, galaxy.disk_color))


def _add_arc(sky: _Sky, galaxy: Galaxy, rng: np.random.Generator) -> None:
    """A thin blue arc, as of a galaxy behind the lens."""
    plane = _Plane(sky, galaxy, axis_ratio=1.0)
    radius, width = rng.uniform(0.7, 1.1), 0.045
    facing = np.cos(plane.azimuth() - rng.uniform(0, 2 * np.pi))
    arc = np.exp(-0.5 * ((plane.radius - radius) / width) ** 2) * np.exp(5 * (facing - 1))
    sky.add_map(arc, 0.12 * galaxy.arc * fluxes(galaxy.magnitude, (0.2, 0.1)))


def _add_field(sky: _Sky, rng: np.random.Generator) -> None:
    """Foreground stars and galaxies of the background, with number counts that rise towards the faint."""
    arcmin2 = (sky.side * CAMERA_PIXEL / 60) ** 2
    number = min(rng.poisson(12.5 * arcmin2 * rng.lognormal(0, 0.5)), 80)
    bright, faint = 15.0, 22.6
    for _ in range(number):
        position = rng.uniform(-0.02, 1.02, 2) * sky.side
        slope = 0.3
        low, high = 10 ** (slope * (bright - faint)), 1.0
        magnitude = faint + np.log10(low + rng.random() * (high - low)) / slope
        if rng.random() < 0.5:
            g_minus_r = float(rng.choice([0.3, 0.5, 0.9, 1.4], p=[0.14, 0.32, 0.22, 0.32]) + rng.normal(0, 0.08))
            r_minus_i = 0.35 * g_minus_r if g_minus_r < 1.2 else rng.uniform(0.55, 1.15)
            sky.add_star(position, magnitude, (g_minus_r, float(r_minus_i)))
        else:
            g_minus_r = float(np.clip(rng.normal(0.8, 0.35), 0.1, 1.6))
            size = rng.uniform(0.6, 1.8) * 10 ** (-0.08 * (magnitude - 20.5)) / CAMERA_PIXEL
            profile = galsim.Exponential(half_light_radius=min(size, 0.05 * sky.side))
            profile = profile.shear(q=rng.uniform(0.3, 1.0), beta=rng.uniform(0, np.pi) * galsim.radians)
            sky.add_profile(profile, position, fluxes(magnitude, (g_minus_r, 0.45 * g_minus_r)))


def _add_artifacts(bands: np.ndarray, galaxy: Galaxy, rng: np.random.Generator) -> None:
    """Satellite trails, glows of bright stars outside the frame, spikes and columns of saturated stars, in place."""
    side = bands.shape[1]
    artifact = galaxy.kind == "artifact"
    y, x = np.ogrid[:side, :side]
    if artifact or rng.random() < 0.015:
        angle = rng.uniform(0, np.pi)
        offset = rng.normal(0, 0.06 if artifact else 0.4) * side
        distance = (x - side / 2) * np.sin(angle) - (y - side / 2) * np.cos(angle) - offset
        width = rng.uniform(1.2, 4.0)
        band = int(rng.integers(_BANDS))  # the bands are exposed minutes apart: a trail has one pure colour
        bands[band] += np.float32(0.1 * rng.lognormal(0, 0.7)) * np.exp(-0.5 * (distance / width) ** 2)
    if rng.random() < 0.06:
        angle = rng.uniform(0, 2 * np.pi)
        star = side / 2 + side * rng.uniform(0.35, 0.75) * np.array([np.cos(angle), np.sin(angle)])
        _add_glare(bands, star, brightness=np.float32(rng.lognormal(0, 0.8)), rng=rng)
    if galaxy.kind == "star":
        brightness = np.float32(10 ** (0.4 * (13.0 - galaxy.magnitude)))
        _add_glare(bands, np.array([side / 2, side / 2]), brightness, rng)


def _add_glare(bands: np.ndarray, star: np.ndarray, brightness: np.float32, rng: np.random.Generator) -> None:
    """Glow, saturated centre and diffraction spikes of a bright star at `star` (x, y), in place."""
    side = bands.shape[1]
    y, x = np.ogrid[:side, :side]
    dx, dy = (x - star[0]).astype(np.float32), (y - star[1]).astype(np.float32)
    distance = np.hypot(dx, dy)
    tint = np.array([rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.3), 1.0], dtype=np.float32) / _DISPLAY_WEIGHT
    halo = np.exp(-distance / np.float32(0.1 * side)) + 0.25 * np.exp(-distance / np.float32(0.3 * side))
    bands += tint[:, None, None] * brightness * halo
    core = 40 * brightness * np.exp(-distance / np.float32(1.6))
    rotation = rng.uniform(0, np.pi / 2)
    for angle in (rotation, rotation + np.pi / 2):
        along = np.abs(dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle)))
        across = np.abs(dx * np.float32(np.sin(angle)) - dy * np.float32(np.cos(angle)))
        core += 5 * brightness * np.exp(-along / np.float32(0.08 * side) - across / np.float32(0.9))
    bands += core / _DISPLAY_WEIGHT[:, None, None]
