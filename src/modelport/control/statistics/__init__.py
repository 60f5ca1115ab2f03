"""Statistics that stay valid however often they are looked at. Pure: numbers in, numbers out.

    odds.py       log-likelihood ratios on a grid of odds, mixed into e-values and confidence bounds
    rate.py       a rate against a fixed limit, or against the share that a split was to give
    pair.py       the rates of two arms against each other, whatever they have in common
    quantile.py   latencies as counts above thresholds

Every test here is an e-process E: nonnegative, starting at 1, with expectation at most 1 at any time, however
chosen, while the null hypothesis is true. By Ville's inequality it ever reaches 1/a with a chance of at most
a, so it may be looked at after every request (Ramdas, Grünwald, Vovk & Shafer 2023, "Game-theoretic
statistics and safe anytime-valid inference").
"""
