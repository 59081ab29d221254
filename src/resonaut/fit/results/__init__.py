"""The JSON files of the stage ``fit``, as records; ``docs/fit.md`` says what every key means."""
