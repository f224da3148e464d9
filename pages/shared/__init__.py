"""What pages share: the frame, controls, the state of links, what is kept between views."""
