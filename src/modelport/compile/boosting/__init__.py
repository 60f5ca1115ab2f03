"""Gradient boosted trees of XGBoost, LightGBM and CatBoost, into ONNX graphs that decide alike.

What a library computes is read from its own document into one form (`boosted.Boosted`), checked there
(`checked`), and written as nodes by one converter (`graph`), alone or inside a scikit-learn pipeline.
"""
