"""Targets of a study that no paper has: the augmentation experiment, generators and their judgement, or classifiers of several classes."""

TARGETS[paper] = {
    **generator_figures(paper),
    **augmentation_figures(paper),
    **judgement_figures(paper),
    **classifier_figures(paper),
    "split": "split.csv",
}
