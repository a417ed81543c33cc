"""The rules' engine: compiles a folder of entities, lexicon and rules, and says which documents deserve a person; knows no country."""
