"""Working points: thresholds on a network's scores at which equally many QCD jets pass at all masses and momenta."""
