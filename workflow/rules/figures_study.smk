"""Targets of a study that no paper has: the augmentation experiment, generators with their judgement and the
cost of their steps, or classifiers of several classes."""

TARGETS[paper] = {
    **generator_figures(paper),
    **augmentation_figures(paper),
    **judgement_figures(paper),
    **classifier_figures(paper),
    **step_cost_table(paper),
    "split": "split.csv",
}
