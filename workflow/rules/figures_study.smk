"""Targets of a study that no paper has: the augmentation experiment, generators with their judgement and the
cost of their steps, classifiers of several classes, or scorers."""

TARGETS[paper] = {
    **generator_figures(paper),
    **augmentation_figures(paper),
    **judgement_figures(paper),
    **classifier_figures(paper),
    **step_cost_table(paper),
    **score_figures(paper),
    **field_figures(paper),
    "split": "split.csv",
}
