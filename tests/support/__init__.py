"""What tests share: a village that reads like a sentence, and clients that act by role."""
