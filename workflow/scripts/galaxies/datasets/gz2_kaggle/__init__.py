"""Galaxy Zoo 2 as published for the Kaggle Galaxy Challenge: colour images and vote fractions."""
