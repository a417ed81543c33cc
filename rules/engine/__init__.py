"""The rules' engine: compiles entities, lexicon and rules, and says which documents deserve a person; knows no country."""
