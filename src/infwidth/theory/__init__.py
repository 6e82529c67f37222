"""The paper's statements about the n = ∞ network, checked one by one; a folder each.

`statements` is their list. A folder has what there is to know of one statement: its title and what
its tables take (`__init__`), names and bounds that both sides go by (`names`), what computes the
tables (`measure`), what is concluded from them (`judge`), how they are drawn (`draw`), and what a
reader is told of the figure (`caption.md`). Judging and drawing read tables alone, and import
nothing that trains or does algebra; nothing that computes a table imports how it is judged.
"""
