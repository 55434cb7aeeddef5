"""morpho_gan: figures 3 and 4, which any paper with judged generators can have; the classifier; the cost of a step."""

TARGETS["morpho_gan"] = {
    **judgement_figures("morpho_gan", balance="fig3_", neighbours="fig4_"),
    **classifier_figures("morpho_gan"),
    **step_cost_table("morpho_gan"),
    "split": "split.csv",
}
