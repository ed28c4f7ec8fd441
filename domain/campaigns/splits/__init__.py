"""How a stage's work is cut into slices: each launch takes the next one and moves the cursor.

A split is data: what it is called, which parameters it takes, and a rule, which is pure: from the
arguments, the cursor and what there is to work on to the next slice. Contiguous rules make ranges of
ordinals (or of a generator's indices); rules by key list their files.
"""
