/** A record that cannot become a processed login: it goes to the dead-letter topic with these words. */
final class Rejected extends Exception {
    private static final long serialVersionUID = 1L;
    final String code;

    Rejected(String code, String message) {
        super(message, null, false, false); // Without a stack trace, which would cost more than the record.
        this.code = code;
    }
}
