namespace Streams.Mqtt.Tests;

/// <summary>What may happen to the bytes of a good packet.</summary>
internal static class PacketDamage
{
    /// <summary>A damaged copy.</summary>
    public static byte[] Of(byte[] good, Random random)
    {
        byte[] bad = [.. good];
        switch (random.Next(4))
        {
            case 0:
                bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
                break;
            case 2:
                // A byte less, with the length of the packet made right.
                List<byte> list = [.. bad];
                if (list.Count > 3 && list[1] < 0x80)
                {
                    list.RemoveAt(random.Next(2, list.Count));
                    list[1]--;
                }

                return [.. list];
            default:
                // Below the header, so that it is the fields that are damaged.
                for (int i = random.Next(1, 4); i > 0 && bad.Length > 2; i--)
                {
                    bad[random.Next(2, bad.Length)] = (byte)(random.Next(3) == 0 ? 0xFF : random.Next(48));
                }

                break;
        }

        return bad;
    }
}
