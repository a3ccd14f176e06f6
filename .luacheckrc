-- For the composed scripts: tests/unit/processor/test_scripts.py hands them over.
std = "lua51"
read_globals = { "redis", "struct", "cjson", "cmsgpack", "KEYS", "ARGV" } -- what Redis gives a script
max_line_length = false -- the lines that name KEYS and ARGV are made, not written
