"""Targets of a study that no paper has: the augmentation experiment and its generators, or classifiers of several classes."""

TARGETS[paper] = {
    **generator_figures(paper),
    **augmentation_figures(paper),
    **classifier_figures(paper),
    "split": "split.csv",
}
