import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** What weir asks of texts, on their bytes, so that nothing has to become a String for it. */
final class Text {
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final long HIGH_BITS = 0x8080808080808080L;
    private static final long MILLIS = 1000;

    private Text() {}

    static void checkUtf8(byte[] bytes, int from, int to) throws Rejected {
        if (!isAscii(bytes, from, to) && !isUtf8(bytes, from, to)) {
            throw new Rejected("bad_utf8", "a text is not UTF-8");
        }
    }

    private static boolean isAscii(byte[] bytes, int from, int to) {
        int at = from;
        long bits = 0;
        for (; at + Long.BYTES <= to; at += Long.BYTES) {
            bits |= (long) LONGS.get(bytes, at);
        }
        for (; at < to; at++) {
            bits |= bytes[at]; // A negative byte becomes a negative long.
        }
        return (bits & HIGH_BITS) == 0;
    }

    private static boolean isUtf8(byte[] bytes, int from, int to) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, to - from));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    static void checkIp(byte[] bytes, int from, int to) throws Rejected {
        if (!isIpv4(bytes, from, to) && !isIpv6(bytes, from, to)) {
            throw new Rejected("rule_failed", "ip is not an IP address");
        }
    }

    private static boolean isIpv4(byte[] bytes, int from, int to) {
        int at = from;
        for (int part = 0; part < 4; part++) {
            if (part > 0 && (at == to || bytes[at++] != '.')) {
                return false;
            }
            int start = at;
            int value = 0;
            while (at < to && at - start < 3 && bytes[at] >= '0' && bytes[at] <= '9') {
                value = value * 10 + bytes[at++] - '0';
            }
            if (at == start || value > 255 || at - start > 1 && bytes[start] == '0') {
                return false;
            }
        }
        return at == to;
    }

    private static boolean isIpv6(byte[] bytes, int from, int to) {
        for (int at = from; at + 1 < to; at++) {
            if (bytes[at] == ':' && bytes[at + 1] == ':') {
                int before = groups(bytes, from, at, false);
                int after = groups(bytes, at + 2, to, true);
                return before >= 0 && after >= 0 && before + after < 8;
            }
        }
        return groups(bytes, from, to, true) == 8;
    }

    /** The 16-bit groups from `from` to `to`; an IPv4 address at the end counts as two. -1: something else. */
    private static int groups(byte[] bytes, int from, int to, boolean ipv4Allowed) {
        int groups = 0;
        int at = from;
        while (at < to) {
            int start = at;
            while (at < to && at - start <= 4 && Character.digit(bytes[at], 16) >= 0) {
                at++;
            }
            if (at > start && at < to && bytes[at] == '.') {
                return ipv4Allowed && isIpv4(bytes, start, to) ? groups + 2 : -1;
            }
            if (at == start || at - start > 4) {
                return -1;
            }
            groups++;
            if (at < to && (bytes[at++] != ':' || at == to)) {
                return -1;
            }
        }
        return groups;
    }

    /** Decimal seconds as milliseconds. */
    static long millis(byte[] bytes, int from, int to) throws Rejected {
        boolean negative = from < to && bytes[from] == '-';
        int at = negative || from < to && bytes[from] == '+' ? from + 1 : from;
        if (at == to) {
            throw new Rejected("transform_failed", "timestamp is not a number of seconds");
        }
        try {
            long sum = 0;
            for (; at < to; at++) {
                int digit = bytes[at] - '0';
                if (digit < 0 || digit > 9) {
                    throw new Rejected("transform_failed", "timestamp is not a number of seconds");
                }
                sum = Math.addExact(Math.multiplyExact(sum, 10), negative ? -digit : digit);
            }
            return Math.multiplyExact(sum, MILLIS);
        } catch (ArithmeticException e) {
            throw new Rejected("transform_failed", "timestamp is out of range");
        }
    }
}
