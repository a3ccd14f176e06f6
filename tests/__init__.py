"""The tests: unit/ and lua/ for the parts, integration/ and recovery/ for the whole."""
