using System.CommandLine;
using Streams.Client;

namespace Streams.Cli;

/// <summary>The file with the keys of an encrypted outbox: a line for each, <c>ID=KEY</c>, the key as 64 hexadecimal digits or in base64.
/// The first is the one that new events are encrypted under.</summary>
internal static class OutboxKeys
{
    /// <summary>The option that names it.</summary>
    public static Option<string?> Option() => new("--outbox-keys")
    {
        Description = "Keys of an encrypted outbox: a line ID=KEY for each, in hex or base64, the current one first",
        HelpName = "FILE",
    };

    /// <summary>Reads the keys; <see langword="null"/> without a file.</summary>
    /// <exception cref="CliException">The file is faulty.</exception>
    public static OutboxEncryption? Read(string? file)
    {
        if (file is null)
        {
            return null;
        }

        List<(string Id, byte[] Key)> keys = [.. Keys(file)];
        return keys.Count == 0 ? throw new CliException(ExitCode.Usage, $"{file}: it has no keys")
            : new OutboxEncryption(keys[0].Id, id => keys.Find(k => k.Id == id).Key);
    }

    /// <summary>What opens encrypted events with the keys; <see langword="null"/> without a file.</summary>
    /// <exception cref="CliException">The file is faulty.</exception>
    public static RowOpener? Opener(string? file) =>
        file is null ? null : new RowOpener(SealKeys.Of(Keys(file).Select(static k => k.Key)));

    private static IEnumerable<(string Id, byte[] Key)> Keys(string file)
    {
        int number = 0;
        foreach (string line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line) || line[0] == '#')
            {
                continue;
            }

            int at = line.IndexOf('=', StringComparison.Ordinal);
            byte[]? key = at > 0 ? KeyOf(line[(at + 1)..].Trim()) : null;
            yield return key is { Length: OutboxEncryption.KeyBytes } ? (line[..at].Trim(), key)
                : throw new CliException(ExitCode.Usage,
                    $"{file}, line {number}: must be ID=KEY with a key of {OutboxEncryption.KeyBytes} bytes in hex or base64");
        }
    }

    private static byte[]? KeyOf(string text)
    {
        if (text.Length == 2 * OutboxEncryption.KeyBytes && text.All(char.IsAsciiHexDigit))
        {
            return Convert.FromHexString(text);
        }

        byte[] key = new byte[OutboxEncryption.KeyBytes + 3];
        return Convert.TryFromBase64String(text, key, out int bytes) ? key[..bytes] : null;
    }
}
