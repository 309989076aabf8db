using System.Text;

namespace Streams.Gateways.Tests;

public sealed class PasswordHashTests
{
    private static readonly byte[] Secret = Encoding.UTF8.GetBytes("pr\u00e4zise 7");

    [Fact]
    public void A_hash_fits_its_password_alone_also_when_it_is_read_again()
    {
        PasswordHash hash = PasswordHash.Of(Secret, 1000);

        Assert.True(PasswordHash.TryParse(hash.ToString(), out PasswordHash? read, out _));
        Assert.True(read!.Fits(Secret));
        Assert.False(read.Fits("precise 7"u8));
        Assert.False(read.Fits([]));
    }

    [Fact]
    public void Two_hashes_of_one_password_differ()
        => Assert.NotEqual(PasswordHash.Of(Secret, 1000).ToString(), PasswordHash.Of(Secret, 1000).ToString());

    [Fact]
    public void It_is_the_function_that_it_says()
    {
        // PBKDF2-HMAC-SHA256 of "password", salt "saltsalt", 4096 iterations, 32 bytes.
        byte[] expected = System.Security.Cryptography.Rfc2898DeriveBytes.Pbkdf2("password"u8, "saltsalt"u8, 4096,
            System.Security.Cryptography.HashAlgorithmName.SHA256, 32);
        string text = $"pbkdf2-sha256$4096${Convert.ToBase64String("saltsalt"u8)}${Convert.ToBase64String(expected)}";

        Assert.True(PasswordHash.TryParse(text, out PasswordHash? hash, out _));
        Assert.True(hash!.Fits("password"u8));
    }

    [Theory]
    [InlineData(null, "plain text is not taken")]
    [InlineData("hunter2", "plain text is not taken")]
    [InlineData("$2b$12$abcdefghijklmnopqrstuv", "plain text is not taken")]
    [InlineData("pbkdf2-sha256$10$c2FsdHNhbHQ=$AAAA", "1000 to 10000000")]
    [InlineData("pbkdf2-sha256$1000$c2FsdHNhbHQ=$AAAA", "Base64")]
    [InlineData("pbkdf2-sha256$1000$!!$AAAA", "Base64")]
    public void What_is_no_hash_is_told_without_showing_it(string? text, string expected)
    {
        Assert.False(PasswordHash.TryParse(text, out _, out string? fault));
        Assert.Contains(expected, fault, StringComparison.Ordinal);
        Assert.True(text is null || !fault!.Contains(text, StringComparison.Ordinal));
    }
}
