"""What all data sets share: tables, images, catalogues, splits, packed views, downloads and augmentation."""
