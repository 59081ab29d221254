"""LaCATHODE: CATHODE in the latent space of its flow."""
