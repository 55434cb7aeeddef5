"""Targets of a study that no paper has: the augmentation experiment and its generators."""

TARGETS[paper] = {**generator_figures(paper), **augmentation_figures(paper), "split": "split.csv"}
