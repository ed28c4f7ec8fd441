"""The only room that speaks SQL: the pool, the migrations, and a folder for each group of nouns."""
