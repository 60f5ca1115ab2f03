"""Text models as data: a declarative vectorizer and a linear kernel or a graph, run without scikit-learn."""
