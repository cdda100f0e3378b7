"""The words of the prompt grammar, one file a language, and the sentences nobody offers an edit for."""
