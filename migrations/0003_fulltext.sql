-- Derived: the words of texts of attributes declared :db/fulltext, by the id of the datom that added the text. The words are
-- written in lower case, without accents and joined by spaces, so all that is left for the tokenizer is to split them.
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', columnsize = 0, tokenize = 'ascii');
