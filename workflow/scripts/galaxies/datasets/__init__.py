"""One package per layout of a data set, found by the data set's key `layout` in the configuration.

files      find(folder, settings) -> dict of paths : the published files inside a folder, in any layout that is known;
           DataError, with what to do, if they are not there. DOWNLOADS : names of the files that `download` fetches.
images     open_images(files, settings) -> galaxies.data.images.ImageSource : images by object id, a whole number >= 0.
           projection(view, settings) -> galaxies.data.projections.Projection : from an image to a row of a view.
labels     read_labels(files, settings, images) -> list of galaxies.data.catalogue.LabelTable, each checked.
card       TITLE, PAGE, LICENCE, CITATION : texts of the data card.
download   optional: fetch(name, path) brings a published file; check(name, path) raises DataError if it is another.
photometry optional: linear_flux(pixels) undoes the scale of stored pixels, for central fluxes; UNIT, BANDS, NOTE
           (a sentence on that scale), and aperture_radius(size, crop), pixels.
simulator  optional: simulate(folder, *, seed, threads, ...) writes the published layout; the further parameters are
           the keys of `simulate` in the configuration.

`settings` are the keys of the data set in the configuration apart from those that all data sets share (layout, source,
path, unmatched, views, shard_images, simulate). What data sets share is in galaxies.data: images in files (8-bit JPEG
or PNG), zip archives, CSV tables, projections, downloads.
"""
